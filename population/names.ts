/** Where people come from: their names and towns. Written as their owners write them in Latin letters. */
export type Origin = { first: string[]; last: string[]; towns: string[] }

const written: [first: string, last: string, towns: string][] = [
  [
    'Amara Chidi Ngozi Emeka Ifeoma Tunde Folake Segun Yetunde Obinna Zainab Kelechi Adaeze Femi Halima Bisi',
    'Okafor Adeyemi Balogun Eze Nwosu Okonkwo Bello Adebayo Ogunleye Umeh Chukwu Lawal Obi Ibrahim Akinola Danjuma',
    'Lagos|Ibadan|Enugu|Kano',
  ],
  [
    'Priya Arjun Ananya Rohan Meera Vikram Kavya Aditya Lakshmi Sanjay Divya Rahul Isha Nikhil Sunita Karthik',
    'Sharma Patel Iyer Reddy Nair Gupta Mukherjee Singh Desai Rao Menon Chatterjee Kulkarni Joshi Bhat Verma',
    'Pune|Chennai|Kolkata|Jaipur',
  ],
  [
    'Sofía Mateo Valentina Santiago Camila Diego Lucía Andrés Mariana Emiliano Ximena Joaquín Renata Álvaro Paola Iker',
    'García Hernández Rodríguez Morales Castillo Jiménez Núñez Ortega Vargas Ibáñez Salazar Cordero Peña Fuentes Rivas Solís',
    'Oaxaca|Bogotá|Valparaíso|Sevilla',
  ],
  [
    'João Beatriz Thiago Larissa Rafael Júlia Caio Fernanda Gustavo Letícia Otávio Helena Murilo Isadora Davi Tainá',
    'Silva Oliveira Souza Carvalho Almeida Ribeiro Gonçalves Araújo Barbosa Moreira Teixeira Nogueira Cardoso Lopes Freitas Pinto',
    'Recife|Curitiba|Porto|Salvador',
  ],
  [
    'Haruto Sakura Ren Yui Sota Hina Kaito Aoi Daiki Mei Riku Nanami Takumi Ayaka Kenji Emi',
    'Tanaka Suzuki Takahashi Watanabe Kobayashi Yamamoto Nakamura Saito Matsumoto Inoue Kimura Hayashi Shimizu Mori Abe Ikeda',
    'Kanazawa|Sapporo|Kyoto|Fukuoka',
  ],
  [
    'Wei Xin Jing Hao Mei Bo Yan Lin Tao Ying Jun Fang Qiang Rui Shan Cheng',
    'Wang Zhang Liu Chen Yang Huang Zhao Zhou Xu Sun Ma Zhu Guo Luo Deng Tang',
    'Chengdu|Hangzhou|Taipei|Penang',
  ],
  [
    'Minjun Seoyeon Jihoon Haeun Donghyun Jiwoo Sujin Taeyang Yuna Hyunwoo Minseo Jisoo Seungho Eunji Kyung Boram',
    'Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Han Shin Seo Kwon Hwang Song',
    'Busan|Seoul|Daejeon|Jeju',
  ],
  [
    'Emma Oliver Charlotte George Isla Harry Freya Callum Rhys Niamh Ewan Poppy Alfie Maeve Owen Imogen',
    'Smith Jones Taylor Walker Hughes Murphy Campbell Evans Kelly Fraser Byrne Price Shaw Marsh Doyle Ward',
    'Leeds|Cardiff|Galway|Glasgow',
  ],
  [
    'Madison Jayden Harper Tyler Aaliyah Brandon Skylar Marcus Brooke Darnell Paige Logan Kiara Wyatt Naomi Ezra',
    'Johnson Williams Brown Miller Davis Jackson Thompson Robinson Carter Mitchell Parker Bailey Foster Hayes Coleman Brooks',
    'Tucson|Duluth|Halifax|Oakland',
  ],
  [
    'Camille Hugo Chloé Théo Manon Lucas Élise Antoine Margaux Bastien Inès Julien Océane Rémi Léa Quentin',
    'Martin Bernard Dubois Lefèvre Moreau Fournier Girard Rousseau Lambert Mercier Gauthier Perrin Faure Chevalier Renard Blanchet',
    'Nantes|Lyon|Liège|Québec',
  ],
  [
    'Lena Jonas Hannah Felix Marie Lukas Greta Moritz Annika Jakob Frieda Till Svenja Matthias Ida Jürgen',
    'Müller Schneider Weber Becker Hoffmann Köhler Krüger Vogel Brandt Seidel Lindner Haas Böhm Winkler Engel Schäfer',
    'Leipzig|Bremen|Graz|Basel',
  ],
  [
    'Astrid Lars Ingrid Søren Freja Mikkel Linnéa Oskar Sigrid Håkon Åsa Björn Saga Emil Tuva Anders',
    'Andersson Hansen Nielsen Lindqvist Berg Dahl Holm Sørensen Nyström Eriksen Strand Bakke Lund Öberg Haugen Vik',
    'Bergen|Aarhus|Uppsala|Tromsø',
  ],
  [
    'Kasia Piotr Zofia Jakub Tereza Tomáš Anna Marek Ewa Wojciech Lucie Ondřej Magda Paweł Jana Radek',
    'Kowalski Nowak Wiśniewski Novák Dvořák Lewandowska Zieliński Wójcik Svoboda Kamiński Procházka Mazur Černý Krawczyk Veselý Pawlak',
    'Kraków|Brno|Gdańsk|Olomouc',
  ],
  [
    'Layla Omar Yasmin Karim Nour Tariq Salma Youssef Rania Hassan Dina Khalil Farah Ziad Mona Samir',
    'Haddad Mansour Khoury Farouk Nasser Saleh Aziz Rahman Hamdan Qasim Sayegh Darwish Fahmy Bitar Najjar Shaheen',
    'Amman|Cairo|Beirut|Tunis',
  ],
  [
    'Elif Mehmet Zeynep Emre Ayşe Burak Defne Kerem Selin Ozan Leyla Cem Gül Tolga Nazlı Barış',
    'Yılmaz Kaya Demir Çelik Şahin Aydın Öztürk Arslan Doğan Koç Kurt Polat Güneş Aksoy Erdem Toprak',
    'İzmir|Bursa|Trabzon|Eskişehir',
  ],
  [
    'Wanjiru Juma Achieng Baraka Nyambura Kiprop Amina Otieno Makena Mwangi Zuri Salim Wambui Kibet Neema Tendai',
    'Kamau Odhiambo Njoroge Mutua Wekesa Kimani Cheruiyot Hassan Onyango Maina Moyo Mushi Chirwa Banda Karanja Mbugua',
    'Nairobi|Mombasa|Arusha|Lusaka',
  ],
  [
    'Thandiwe Sipho Lerato Pieter Nomsa Kagiso Anneke Lwazi Zanele Johan Naledi Bongani Palesa Riaan Ayanda Thabo',
    'Dlamini Nkosi Mokoena Botha Khumalo Naidoo Molefe Sithole Pillay Zulu Mahlangu Venter Mabaso Ndlovu Steyn Radebe',
    'Durban|Soweto|Gqeberha|Maseru',
  ],
  [
    'Linh Minh Thảo Quang Ngọc Somchai Malee Budi Siti Rizky Dewi Jose Maricel Paolo Ligaya Huy',
    'Nguyễn Trần Phạm Vũ Đặng Santos Reyes Cruz Bautista Wijaya Santoso Hartono Suwan Saetang Mendoza Kusuma',
    'Huế|Cebu|Bandung|Bangkok',
  ],
]

export const origins: Origin[] = written.map(([first, last, towns]) => ({
  first: first.split(' '),
  last: last.split(' '),
  towns: towns.split('|'),
}))

// What is no Latin letter with a mark that can be taken away.
const letters: Record<string, string> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ı: 'i',
  æ: 'ae',
  ß: 'ss',
}

/** As it is typed where there are no marks: `Łukasz` is `lukasz`. */
export function toAscii(name: string): string {
  return name
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z]/g, (letter) => letters[letter] ?? '')
}
